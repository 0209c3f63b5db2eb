"""The quiz, reviews, teams, hiring, calibrations, and who looked at whose levels"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

EVIDENCE_CHECKS = (
    sa.CheckConstraint("layer BETWEEN 0 AND 9", name="ck_evidence_layer"),
    sa.CheckConstraint("share BETWEEN 0 AND 1", name="ck_evidence_share"),
    sa.CheckConstraint("noise_sd > 0", name="ck_evidence_noise_sd"),
    sa.CheckConstraint("instrument IN ('quiz', 'review', 'self', 'repo', 'drill')", name="ck_evidence_instrument"),
)
"""SQLite makes a table anew to add a foreign key to it, and would lose these on the way."""


def upgrade() -> None:
    op.create_table(
        "calibration",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("people", name="kind", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("parameters", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.String(length=60), nullable=False),
        sa.CheckConstraint("number > 0", name="ck_calibration_number"),
        sa.PrimaryKeyConstraint("id", name="pk_calibration"),
        sa.UniqueConstraint("kind", "number", name="uq_calibration_kind_number"),
    )
    op.create_table(
        "requisition",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("role_key", sa.String(length=60), nullable=False),
        sa.Column("role_version", sa.Integer(), nullable=False),
        sa.Column("layers", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_requisition_workspace_id_workspace", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_requisition"),
    )
    op.create_index("ix_requisition_workspace_id", "requisition", ["workspace_id"])
    op.create_table(
        "team",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("role_key", sa.String(length=60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_team_workspace_id_workspace", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_team"),
        sa.UniqueConstraint("slug", name="uq_team_slug"),
    )
    op.create_index("ix_team_workspace_id", "team", ["workspace_id"])
    op.create_table(
        "candidate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("requisition_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("code_name", sa.String(length=40), nullable=False),
        sa.Column("contact", sa.String(length=254), nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("consented_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_candidate_person_id_person", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["requisition_id"], ["requisition.id"], name="fk_candidate_requisition_id_requisition", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_candidate"),
        sa.UniqueConstraint("person_id", name="uq_candidate_person_id"),
        sa.UniqueConstraint("requisition_id", "code_name", name="uq_candidate_requisition_id_code_name"),
        sa.UniqueConstraint("token_hash", name="uq_candidate_token_hash"),
    )
    op.create_table(
        "look",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("viewer_id", sa.Integer(), nullable=True),
        sa.Column("viewer", sa.String(length=254), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_look_person_id_person", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["viewer_id"], ["user_account.id"], name="fk_look_viewer_id_user_account", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_look"),
        sa.UniqueConstraint("person_id", "viewer_id", "place", "day", name="uq_look_person_id_viewer_id_place_day"),
    )
    op.create_table(
        "panellist",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("requisition_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["requisition_id"], ["requisition.id"], name="fk_panellist_requisition_id_requisition", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name="fk_panellist_user_id_user_account", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_panellist"),
        sa.UniqueConstraint("requisition_id", "user_id", name="uq_panellist_requisition_id_user_id"),
    )
    op.create_index("ix_panellist_user_id", "panellist", ["user_id"])
    op.create_table(
        "quiz_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column(
            "mode",
            sa.Enum("measured", "practice", name="mode", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("layer", sa.Integer(), nullable=True),
        sa.Column("domain", sa.String(length=60), nullable=True),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("exposure", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("correlation", sa.Double(), nullable=False),
        sa.Column("bank", sa.String(length=60), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("layer BETWEEN 0 AND 9", name="ck_quiz_attempt_layer"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_quiz_attempt_person_id_person", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_quiz_attempt"),
    )
    op.create_index("ix_quiz_attempt_person_id_quiz_attempt_started_at", "quiz_attempt", ["person_id", "started_at"])
    op.create_index(
        "uq_quiz_attempt_open",
        "quiz_attempt",
        ["person_id"],
        unique=True,
        sqlite_where=sa.text("finished_at IS NULL AND mode = 'measured'"),
        postgresql_where=sa.text("finished_at IS NULL AND mode = 'measured'"),
    )
    op.create_table(
        "team_member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("shares", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_team_member_person_id_person", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name="fk_team_member_team_id_team", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_team_member"),
        sa.UniqueConstraint("team_id", "person_id", name="uq_team_member_team_id_person_id"),
    )
    op.create_index("ix_team_member_person_id", "team_member", ["person_id"])
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum(
                "definitely not",
                "no",
                "yes",
                "strong yes",
                "no decision",
                name="verdict",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("basis", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decided_by_name", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidate.id"], name="fk_decision_candidate_id_candidate", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["user_account.id"], name="fk_decision_decided_by_user_account", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_decision"),
    )
    op.create_index("ix_decision_candidate_id_decision_id", "decision", ["candidate_id", "id"])
    op.create_table(
        "quiz_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("attempt_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.String(length=60), nullable=False),
        sa.Column("item_version", sa.Integer(), nullable=False),
        sa.Column("layer", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("given", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("unknown", sa.Boolean(), nullable=False),
        sa.Column("right", sa.Boolean(), nullable=True),
        sa.Column("confidence", sa.Integer(), nullable=True),
        sa.CheckConstraint('(answered_at IS NULL) = ("right" IS NULL)', name="ck_quiz_answer_answered"),
        sa.CheckConstraint("confidence BETWEEN 0 AND 100", name="ck_quiz_answer_confidence"),
        sa.CheckConstraint("layer BETWEEN 0 AND 9", name="ck_quiz_answer_layer"),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["quiz_attempt.id"], name="fk_quiz_answer_attempt_id_quiz_attempt", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_quiz_answer"),
        sa.UniqueConstraint("attempt_id", "item_id", name="uq_quiz_answer_attempt_id_item_id"),
        sa.UniqueConstraint("attempt_id", "place", name="uq_quiz_answer_attempt_id_place"),
    )
    op.create_index("ix_quiz_answer_item_id", "quiz_answer", ["item_id"])
    op.create_table(
        "review",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("self", "peer", "panel", name="kind", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=True),
        sa.Column("rater", sa.String(length=60), nullable=False),
        sa.Column("layers", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=True),
        sa.Column("framework_version", sa.String(length=60), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "asked",
                "submitted",
                "declined",
                "withdrawn",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("draft", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(kind = 'panel') = (candidate_id IS NOT NULL)", name="ck_review_panel"),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidate.id"], name="fk_review_candidate_id_candidate", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_review_person_id_person", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["user_account.id"], name="fk_review_reviewer_id_user_account", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_review"),
        sa.UniqueConstraint("candidate_id", "reviewer_id", name="uq_review_candidate_id_reviewer_id"),
    )
    op.create_index("ix_review_person_id_review_state", "review", ["person_id", "state"])
    op.create_index("ix_review_reviewer_id_review_state", "review", ["reviewer_id", "state"])
    op.create_table(
        "review_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ratings", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("notes", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("framework_version", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("number = 1 OR reason IS NOT NULL", name="ck_review_version_reason"),
        sa.ForeignKeyConstraint(
            ["review_id"], ["review.id"], name="fk_review_version_review_id_review", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_review_version"),
        sa.UniqueConstraint("review_id", "number", name="uq_review_version_review_id_number"),
    )
    with op.batch_alter_table("evidence", table_args=EVIDENCE_CHECKS) as batch_op:
        batch_op.add_column(sa.Column("attempt_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("review_id", sa.Integer(), nullable=True))
        batch_op.create_index("ix_evidence_attempt_id", ["attempt_id"])
        batch_op.create_index("ix_evidence_review_id", ["review_id"])
        batch_op.create_foreign_key("fk_evidence_review_id_review", "review", ["review_id"], ["id"], ondelete="CASCADE")
        batch_op.create_foreign_key(
            "fk_evidence_attempt_id_quiz_attempt", "quiz_attempt", ["attempt_id"], ["id"], ondelete="CASCADE"
        )


def downgrade() -> None:
    with op.batch_alter_table("evidence", table_args=EVIDENCE_CHECKS) as batch_op:
        batch_op.drop_constraint("fk_evidence_attempt_id_quiz_attempt", type_="foreignkey")
        batch_op.drop_constraint("fk_evidence_review_id_review", type_="foreignkey")
        batch_op.drop_index("ix_evidence_review_id")
        batch_op.drop_index("ix_evidence_attempt_id")
        batch_op.drop_column("review_id")
        batch_op.drop_column("attempt_id")
    op.drop_table("review_version")
    op.drop_table("review")
    op.drop_table("quiz_answer")
    op.drop_table("decision")
    op.drop_table("team_member")
    op.drop_table("quiz_attempt")
    op.drop_table("panellist")
    op.drop_table("look")
    op.drop_table("candidate")
    op.drop_table("team")
    op.drop_table("requisition")
    op.drop_table("calibration")

"""From a person's profile to the charts of it; home, profile and demo draw the same."""

from __future__ import annotations

from assessor.services.profile_view import ProfileView
from assessor.web.charts import Radar, Spoke, radar

__all__ = ["profile_radar"]


def profile_radar(view: ProfileView, layers: str | None) -> Radar:
    """Lay out the radar of a profile; `layers` is where its axes link to, without the layer's key."""
    return radar(
        [
            Spoke(
                number=one.layer.id,
                short=one.layer.short,
                href=f"{layers}/{one.layer.key}" if layers else None,
                level=one.level,
                low=one.low,
                high=one.high,
                target=one.target,
                earlier=one.earlier,
                said=one.dots,
            )
            for one in view.layers
        ]
    )

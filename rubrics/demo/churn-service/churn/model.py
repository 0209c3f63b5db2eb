"""A small transformer over twelve months of spending."""

import math

import torch
from torch import nn


class MonthAttention(nn.Module):
    """Let every month look at the months before it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)

    def forward(self, months: torch.Tensor) -> torch.Tensor:
        scores = self.query(months) @ self.key(months).transpose(-2, -1) / math.sqrt(months.shape[-1])
        later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        weights = torch.softmax(scores.masked_fill(later, float("-inf")), dim=-1)
        return weights @ self.value(months)


class ChurnModel(nn.Module):
    """Score a series of monthly spending; the output is a logit."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.embed = nn.Linear(1, width)
        self.attend = MonthAttention(width)
        self.head = nn.Linear(width, 1)

    def forward(self, spend: torch.Tensor) -> torch.Tensor:
        months = self.embed(spend.unsqueeze(-1))
        return self.head((months + self.attend(months)).mean(dim=1)).squeeze(-1)

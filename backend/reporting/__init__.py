"""Bulletins (通报、通报季排名、年度考核、分析报告): compose figures into a document, render it as files (B11-B13, A16)."""

from backend.reporting.service import Reporting

__all__ = ["Reporting"]

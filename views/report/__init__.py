"""`file --report`: one self-contained page on which a recording can be looked over."""

from lipstream.views.report.page import write_page, write_report

__all__ = ["write_page", "write_report"]

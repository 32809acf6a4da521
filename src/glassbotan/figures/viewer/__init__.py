"""The interactive view: one HTML file in which a glass is turned, sliced and coloured."""

from glassbotan.figures.viewer.page import view_page

__all__ = ["view_page"]

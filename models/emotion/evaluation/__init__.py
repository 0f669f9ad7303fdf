"""Figures of the emotion networks on folders of data."""

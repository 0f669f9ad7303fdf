"""Packets, the bounded channels they flow on, and the inbox that joins the streams of one component."""

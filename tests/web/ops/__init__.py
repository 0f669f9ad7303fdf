"""Behind proxies, watched, and with clients that behave badly."""

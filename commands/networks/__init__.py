"""The verbs that train and judge the speech networks, and what they share."""

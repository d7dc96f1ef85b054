"""From the deadline to the signed list of what is opened: its outages, its files, its omissions."""

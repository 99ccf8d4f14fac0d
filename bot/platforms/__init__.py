"""Chat platforms: how a delivery is read and how a reply is posted, one folder for each."""

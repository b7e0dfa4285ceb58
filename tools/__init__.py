"""What is run by hand: the fit of the scorecards, the pictures of the documentation."""

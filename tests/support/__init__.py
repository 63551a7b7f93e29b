"""What tests of several layers share: real servers, fakes, small data."""

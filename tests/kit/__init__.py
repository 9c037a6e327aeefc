"""Working fakes, doubles and conformance suites that tests share."""

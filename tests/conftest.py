"""What every test has: failures of the kit's shared suites that show their values."""

import pytest

pytest.register_assert_rewrite("kit")

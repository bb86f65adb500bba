"""The contract is no test module of its own; its assertions are to speak as plainly as those of one."""

import pytest

pytest.register_assert_rewrite("tests.services.supplier_contract")

"""What stands behind the ports; each adapter imports core and effects only, never another adapter."""

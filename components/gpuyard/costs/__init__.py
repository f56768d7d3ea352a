"""Resources to line items; totals, distributions, unknowns."""

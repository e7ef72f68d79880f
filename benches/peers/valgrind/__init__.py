"""What the gateway executes and allocates for a call, under Valgrind."""

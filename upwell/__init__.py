"""What a user installs: the contracts' stubs, the client, the subject table and the `upwell` command."""

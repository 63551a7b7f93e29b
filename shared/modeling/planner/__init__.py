"""The planner family: a language model that answers a task and a system's state with a tool and its configuration."""

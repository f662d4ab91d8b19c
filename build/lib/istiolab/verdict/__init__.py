"""Is what was published true? Executions in, verdicts out; nothing here touches the machine."""

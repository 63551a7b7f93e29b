"""The lineage graph in the languages of other tools: Mermaid, Graphviz, OpenLineage."""

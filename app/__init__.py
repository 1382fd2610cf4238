"""District Control: a sourced record of who controls which district."""

"""conf/clients/ against the programs that it is for: each real program, the recipe's own file, one gateway."""

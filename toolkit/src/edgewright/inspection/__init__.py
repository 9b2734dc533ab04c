"""What is inside an artifact: one reader per format, one set of counts over them all."""

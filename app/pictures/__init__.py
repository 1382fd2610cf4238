"""Maps as pictures: what is known goes in, SVG or PNG comes out; no database, no HTTP."""

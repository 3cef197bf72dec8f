"""Keep the catalogs of translations in step with the sources, and say what is missing in them."""

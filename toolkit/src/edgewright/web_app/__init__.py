"""An artifact as a static page: what the page is told, and how its folder is made."""

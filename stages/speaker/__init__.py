"""Who speaks: voices, faces and lips joined to persons."""

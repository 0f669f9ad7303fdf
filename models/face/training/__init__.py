"""How the face networks that are carried along were made."""

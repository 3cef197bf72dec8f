"""Asks for input at import."""

name = input("Your name? ")

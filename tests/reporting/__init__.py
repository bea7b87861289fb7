"""Tests of bulletins and their documents."""

"""Protocols of what the services need from storage; the file of the same name in storage/ implements each."""

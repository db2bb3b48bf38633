"""The model servers: one package a service, and the runtime that they share."""

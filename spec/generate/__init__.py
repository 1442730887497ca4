"""The generator: `openapi.yaml` → lint → `ir.json` → SDKs. Run it as `python -m generate [--check]` in `spec/`."""

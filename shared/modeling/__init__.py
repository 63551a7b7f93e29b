"""Model code, written once: what svc_train trains and svc_infer serves. Knows no bus, no wire format, no store."""

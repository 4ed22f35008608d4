"""X.509 rules of the control plane, over pyca/cryptography. No private key is ever here."""

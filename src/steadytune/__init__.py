"""Fine-tune BERT-family encoders on small data so that the result does not depend on luck."""

__version__ = "0.1.0"

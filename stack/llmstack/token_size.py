"""How large a token is where nobody has the model's tokenizer: one estimate for all programs."""

from __future__ import annotations

#: Bytes of UTF-8 of one token of English text, a little less than is usual: better reserve too much
#: than too little (tokens of the Llama 3 and GPT-4 vocabularies hold about 4.4 of English prose).
BYTES_OF_A_TOKEN = 4

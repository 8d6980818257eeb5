"""What was computed, kept under a hash of what produced it.

An entry is a folder of safetensors and JSON with a manifest of checksums. It appears in one step or
not at all, is computed by one process at a time, and is never trusted once a byte of it changed.
"""

from fairkd.store.entry import Content as Content
from fairkd.store.entry import Entry as Entry
from fairkd.store.entry import tensor_bytes as tensor_bytes
from fairkd.store.identity import canonical as canonical
from fairkd.store.identity import content_key as content_key
from fairkd.store.store import Store as Store

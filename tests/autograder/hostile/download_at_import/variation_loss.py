"""Downloads its data at import."""

import urllib.request

urllib.request.urlretrieve("http://127.0.0.1:9/data.zip", "data.zip")

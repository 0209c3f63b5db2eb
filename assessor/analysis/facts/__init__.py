"""Say what one file contains, computed once per blob and kept by blob id: no opinion, no knowledge of other files."""

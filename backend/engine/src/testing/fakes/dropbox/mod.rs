//! A fake of Dropbox.

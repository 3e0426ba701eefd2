//! A fake of Microsoft OneDrive.

//! A fake of Google Drive.

//! Light, dark, or as the system says.

use leptos::prelude::*;

const KEY: &str = "storekeep.theme";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    System,
    Light,
    Dark,
}

impl Theme {
    fn name(self) -> Option<&'static str> {
        match self {
            Theme::System => None,
            Theme::Light => Some("light"),
            Theme::Dark => Some("dark"),
        }
    }
}

/// The visitor's choice, kept in this browser. In the context of the whole app.
#[derive(Clone, Copy)]
pub struct ThemeChoice(RwSignal<Theme>);

impl ThemeChoice {
    /// `static/theme.js` has applied the choice before the first paint; this follows what is chosen later.
    pub fn load() -> Self {
        let storage = || window().local_storage().ok().flatten();
        let saved = storage().and_then(|s| s.get_item(KEY).ok().flatten());
        let theme = match saved.as_deref() {
            Some("light") => Theme::Light,
            Some("dark") => Theme::Dark,
            _ => Theme::System,
        };
        let choice = ThemeChoice(RwSignal::new(theme));
        Effect::new(move |before: Option<()>| {
            let name = choice.0.get().name();
            if let Some(root) = document().document_element() {
                let _ = match name {
                    Some(name) => root.set_attribute("data-theme", name),
                    None => root.remove_attribute("data-theme"),
                };
            }
            if before.is_some()
                && let Some(storage) = storage()
            {
                let _ = match name {
                    Some(name) => storage.set_item(KEY, name),
                    None => storage.remove_item(KEY),
                };
            }
        });
        choice
    }

    pub fn get(self) -> Theme {
        self.0.get()
    }

    pub fn set(self, theme: Theme) {
        self.0.set(theme);
    }
}

//! Which clicks on a link leave the page.

/// What a click on a link says about where it leads.
#[derive(Debug, Clone, Copy, Default)]
pub struct Click<'a> {
    /// 0 is the main button.
    pub button: i16,
    /// Ctrl, Cmd, Shift or Alt was held.
    pub modified: bool,
    /// The link's `target`.
    pub target: &'a str,
    pub download: bool,
}

/// False when the browser opens the link elsewhere, in a new tab for example, and the page stays.
pub fn leaves_page(click: Click) -> bool {
    click.button == 0 && !click.modified && !click.download && matches!(click.target, "" | "_self")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_that_opens_another_tab_leaves_nothing() {
        let plain = Click::default();
        assert!(leaves_page(plain));
        for stays in [
            Click { button: 1, ..plain },
            Click { modified: true, ..plain },
            Click { target: "_blank", ..plain },
            Click { download: true, ..plain },
        ] {
            assert!(!leaves_page(stays), "{stays:?}");
        }
    }
}

//! Where word is sent, as the form holds it: what was typed, before it is a request.

use contract::{
    Alerts, AlertsInput, Channel, Check, EmailAlertsInput, FieldError, MailSecurity, WebhookAlertsInput,
};

/// What is never given out: it can be left alone, replaced, or removed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretField {
    /// Empty: the stored one stays.
    pub text: String,
    remove: bool,
}

impl SecretField {
    pub fn set_text(&mut self, text: String) {
        // Who types a new one does not want none.
        self.remove &= text.is_empty();
        self.text = text;
    }

    pub fn set_remove(&mut self, remove: bool) {
        *self = SecretField { text: String::new(), remove };
    }

    pub fn is_removed(&self) -> bool {
        self.remove
    }

    pub fn is_untouched(&self) -> bool {
        self.text.is_empty() && !self.remove
    }

    /// As the wire wants it: absent to keep the stored one, empty to remove it.
    pub fn input(&self) -> Option<String> {
        (!self.is_untouched()).then(|| self.text.clone())
    }
}

#[derive(Clone, PartialEq, Eq)]
pub struct EmailForm {
    pub enabled: bool,
    pub host: String,
    pub port: String,
    pub security: MailSecurity,
    pub username: String,
    pub password: SecretField,
    pub from: String,
    pub to: Vec<String>,
    /// Typed and not added yet.
    pub pending_to: String,
}

impl EmailForm {
    /// The port goes along as long as it is the usual one.
    pub fn set_security(&mut self, security: MailSecurity) {
        let port = self.port.trim();
        if port.is_empty() || port == usual_port(self.security) {
            self.port = usual_port(security).into();
        }
        self.security = security;
    }

    /// Several at once are taken apart: they are often copied from a mail.
    pub fn add_pending(&mut self) {
        let typed = std::mem::take(&mut self.pending_to);
        for address in typed.split([',', ';', ' ', '\t']).filter(|a| !a.is_empty()) {
            if !self.to.iter().any(|to| to == address) {
                self.to.push(address.into());
            }
        }
    }

    pub fn remove_to(&mut self, address: &str) {
        self.to.retain(|to| to != address);
    }

    /// Whether the password would go to another server than the one that it was entered for.
    pub fn is_elsewhere(&self, saved: &Alerts) -> bool {
        saved.email.password_set && !saved.email.host.eq_ignore_ascii_case(self.host.trim())
    }
}

#[derive(Clone, PartialEq, Eq)]
pub struct WebhookForm {
    pub enabled: bool,
    pub url: String,
    pub secret: SecretField,
    pub allow_private: bool,
}

#[derive(Clone, PartialEq, Eq)]
pub struct AlertsForm {
    pub email: EmailForm,
    pub webhook: WebhookForm,
}

impl AlertsForm {
    pub fn of(alerts: &Alerts) -> Self {
        let (email, webhook) = (&alerts.email, &alerts.webhook);
        AlertsForm {
            email: EmailForm {
                enabled: email.enabled,
                host: email.host.clone(),
                port: email.port.to_string(),
                security: email.security,
                username: email.username.clone(),
                password: SecretField::default(),
                from: email.from.clone(),
                to: email.to.clone(),
                pending_to: String::new(),
            },
            webhook: WebhookForm {
                enabled: webhook.enabled,
                url: webhook.url.clone(),
                secret: SecretField::default(),
                allow_private: webhook.allow_private,
            },
        }
    }

    /// The request. What is no number becomes 0, which the rules refuse with their own message.
    pub fn input(&self) -> AlertsInput {
        let (email, webhook) = (&self.email, &self.webhook);
        AlertsInput {
            email: EmailAlertsInput {
                enabled: email.enabled,
                host: email.host.trim().into(),
                port: email.port.trim().parse().unwrap_or(0),
                security: email.security,
                username: email.username.trim().into(),
                password: email.password.input(),
                from: email.from.trim().into(),
                to: email.to.clone(),
            },
            webhook: WebhookAlertsInput {
                enabled: webhook.enabled,
                url: webhook.url.trim().into(),
                secret: webhook.secret.input(),
                allow_private: webhook.allow_private,
            },
        }
    }

    /// The wire's rules, and what the server asks for beside them, so that it is said before it is sent.
    pub fn mistakes(&self, saved: &Alerts) -> Vec<FieldError> {
        let mut errors = self.input().check();
        for error in &mut errors {
            // Recipients share one place for their messages: each has to say whom it means.
            if let Some(address) = entry(&error.field, "email.to").and_then(|i| self.email.to.get(i)) {
                error.message = format!("“{address}”: {}", error.message);
            }
        }
        if self.email.is_elsewhere(saved) && self.email.password.is_untouched() {
            let message = "This is another mail server. Enter its password, or remove the stored one.";
            errors.push(FieldError::new("email.password", "required", message));
        }
        errors
    }
}

/// The index in `path[index]`.
fn entry(field: &str, path: &str) -> Option<usize> {
    field.strip_prefix(path)?.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

pub fn usual_port(security: MailSecurity) -> &'static str {
    match security {
        MailSecurity::Tls => "465",
        MailSecurity::Starttls => "587",
        MailSecurity::None => "25",
    }
}

/// Each choice: its name in the form, and its words.
pub const SECURITIES: [(MailSecurity, &str, &str); 3] = [
    (MailSecurity::Tls, "tls", "TLS"),
    (MailSecurity::Starttls, "starttls", "STARTTLS"),
    (MailSecurity::None, "none", "None, in clear"),
];

/// Why no test can be sent; `None` when one can. What is tested is what is saved.
pub fn why_no_test(channel: Channel, saved: &Alerts, dirty: bool) -> Option<&'static str> {
    let email = &saved.email;
    match channel {
        _ if dirty => Some("Save your changes first: a test uses what is saved."),
        Channel::Email if email.host.is_empty() || email.from.is_empty() || email.to.is_empty() => {
            Some("Save a mail server, a sender and a recipient first.")
        }
        Channel::Webhook if saved.webhook.url.is_empty() => Some("Save an address first."),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{EmailAlerts, WebhookAlerts};

    fn saved() -> Alerts {
        Alerts {
            email: EmailAlerts {
                enabled: true,
                host: "smtp.example.org".into(),
                port: 465,
                security: MailSecurity::Tls,
                username: "u".into(),
                password_set: true,
                from: "backups@example.org".into(),
                to: vec!["ops@example.org".into()],
            },
            webhook: WebhookAlerts {
                enabled: true,
                url: "https://hooks.example.org/x".into(),
                secret_set: true,
                allow_private: false,
            },
            revision: 3,
        }
    }

    fn fields(form: &AlertsForm) -> Vec<String> {
        form.mistakes(&saved()).into_iter().map(|e| e.field).collect()
    }

    #[test]
    fn a_secret_is_kept_replaced_or_removed() {
        let mut form = AlertsForm::of(&saved());
        assert_eq!((form.input().email.password, form.input().webhook.secret), (None, None));
        form.email.password.set_text(" new ".into());
        assert_eq!(form.input().email.password.as_deref(), Some(" new "), "blanks belong to it");
        form.email.password.set_text(String::new());
        assert_eq!(form.input().email.password, None, "emptied by hand, nothing is meant");
        form.webhook.secret.set_remove(true);
        assert_eq!(form.input().webhook.secret.as_deref(), Some(""));
        form.webhook.secret.set_text("0123456789abcdef".into());
        assert!(!form.webhook.secret.is_removed());
        assert_eq!(form.input().webhook.secret.as_deref(), Some("0123456789abcdef"));
        form.webhook.secret.set_remove(true);
        form.webhook.secret.set_remove(false);
        assert_eq!(form.input().webhook.secret, None, "what was typed before went with it");
    }

    #[test]
    fn the_port_follows_the_security_until_another_is_typed() {
        let mut email = AlertsForm::of(&saved()).email;
        for (security, port) in
            [(MailSecurity::Starttls, "587"), (MailSecurity::None, "25"), (MailSecurity::Tls, "465")]
        {
            email.set_security(security);
            assert_eq!(email.port, port);
        }
        email.port = "2525".into();
        email.set_security(MailSecurity::Starttls);
        assert_eq!(email.port, "2525");
        email.port = " ".into();
        email.set_security(MailSecurity::Tls);
        assert_eq!(email.port, "465");
    }

    #[test]
    fn recipients_are_taken_apart_and_are_there_once() {
        let mut email = AlertsForm::of(&saved()).email;
        email.pending_to = "a@example.org; ops@example.org, b@example.org".into();
        email.add_pending();
        assert_eq!(email.to, ["ops@example.org", "a@example.org", "b@example.org"]);
        assert!(email.pending_to.is_empty());
        email.remove_to("a@example.org");
        assert_eq!(email.to, ["ops@example.org", "b@example.org"]);
        email.pending_to = " ; ".into();
        email.add_pending();
        assert_eq!(email.to.len(), 2);
    }

    #[test]
    fn what_is_saved_is_unchanged_and_right() {
        let form = AlertsForm::of(&saved());
        assert!(form == AlertsForm::of(&saved()));
        assert_eq!(form.mistakes(&saved()), vec![]);
    }

    #[test]
    fn a_mistake_says_which_recipient_it_means() {
        let mut form = AlertsForm::of(&saved());
        form.email.to.push("nobody".into());
        let errors = form.mistakes(&saved());
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].field, "email.to[1]");
        assert!(errors[0].message.starts_with("“nobody”: Write a plain"), "{}", errors[0].message);
    }

    #[test]
    fn what_is_no_port_is_refused() {
        let mut form = AlertsForm::of(&saved());
        form.email.port = "smtp".into();
        assert_eq!(fields(&form), ["email.port"]);
    }

    #[test]
    fn another_mail_server_needs_its_password() {
        let mut form = AlertsForm::of(&saved());
        form.email.host = " SMTP.example.org ".into();
        assert_eq!(fields(&form), [""; 0], "the same one, written otherwise");
        form.email.host = "mail.example.net".into();
        assert_eq!(fields(&form), ["email.password"]);
        form.email.password.set_text("its own".into());
        assert_eq!(fields(&form), [""; 0]);
        form.email.password.set_remove(true);
        assert_eq!(fields(&form), [""; 0]);
        let mut none = saved();
        none.email.password_set = false;
        form.email.password.set_remove(false);
        assert_eq!(form.mistakes(&none), vec![]);
    }

    #[test]
    fn a_test_needs_something_saved_and_nothing_unsaved() {
        let (saved, mut empty) = (saved(), saved());
        empty.email.to.clear();
        empty.webhook.url.clear();
        for channel in Channel::ALL {
            assert_eq!(why_no_test(channel, &saved, false), None);
            assert!(
                why_no_test(channel, &saved, true).is_some_and(|why| why.starts_with("Save your changes"))
            );
            assert!(why_no_test(channel, &empty, false).is_some());
        }
    }
}

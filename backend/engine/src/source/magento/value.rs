//! Values of PHP, as far as configuration files have them.

/// A key of a PHP array: text that looks like a whole number is one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Key {
    Int(i64),
    Text(Vec<u8>),
}

impl Key {
    pub fn text(bytes: &[u8]) -> Key {
        match decimal(bytes) {
            Some(n) => Key::Int(n),
            None => Key::Text(bytes.to_vec()),
        }
    }

    /// As it appears in a path such as `db/connection/default`.
    pub fn display(&self) -> String {
        match self {
            Key::Int(n) => n.to_string(),
            Key::Text(text) => String::from_utf8_lossy(text).into_owned(),
        }
    }
}

/// Canonical decimal only: `8`, `-8`, but not `08`, `+8`, `-0` or `8.0`.
fn decimal(bytes: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(bytes).ok()?;
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[derive(Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Vec<u8>),
    Array(Array),
    /// An environment variable that is not set here; it may be set for PHP. Counts as false (`getenv`) or null.
    Unset {
        name: String,
        null: bool,
    },
    /// Only PHP could tell. Says what kind of expression it is, never its text, which may hold a secret.
    Dynamic(String),
}

/// Values may be secrets: only their kind is shown.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Unset { name, .. } => write!(f, "unset {name}"),
            Value::Dynamic(what) => write!(f, "dynamic: {what}"),
            other => f.write_str(other.kind()),
        }
    }
}

impl Value {
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::Text(_) => "text",
            Value::Array(_) => "an array",
            Value::Unset { .. } => "an environment variable that is not set",
            Value::Dynamic(_) => "an expression",
        }
    }

    pub fn is_known(&self) -> bool {
        !matches!(self, Value::Unset { .. } | Value::Dynamic(_))
    }

    /// PHP's truth; none for what only PHP could tell.
    pub fn truth(&self) -> Option<bool> {
        Some(match self {
            Value::Null | Value::Unset { .. } => false,
            Value::Bool(b) => *b,
            Value::Int(n) => *n != 0,
            Value::Float(n) => *n != 0.0,
            Value::Text(text) => !matches!(text.as_slice(), b"" | b"0"),
            Value::Array(array) => !array.entries.is_empty(),
            Value::Dynamic(_) => return None,
        })
    }

    /// Null in the sense of `??` and `isset`.
    pub fn is_null(&self) -> Option<bool> {
        match self {
            Value::Dynamic(_) => None,
            Value::Null | Value::Unset { null: true, .. } => Some(true),
            _ => Some(false),
        }
    }

    /// PHP's conversion to a string; none for arrays and for what is not known.
    pub fn to_text(&self) -> Option<Vec<u8>> {
        Some(match self {
            Value::Null | Value::Bool(false) => Vec::new(),
            Value::Bool(true) => b"1".to_vec(),
            Value::Int(n) => n.to_string().into_bytes(),
            Value::Float(n) => n.to_string().into_bytes(),
            Value::Text(text) => text.clone(),
            Value::Array(_) | Value::Unset { .. } | Value::Dynamic(_) => return None,
        })
    }

    /// The key that this value is in an array; none where PHP refuses it or only PHP could tell.
    pub fn to_key(&self) -> Option<Key> {
        Some(match self {
            Value::Null => Key::Text(Vec::new()),
            Value::Bool(b) => Key::Int(i64::from(*b)),
            Value::Int(n) => Key::Int(*n),
            #[expect(clippy::cast_possible_truncation, reason = "PHP truncates too")]
            Value::Float(n) => Key::Int(*n as i64),
            Value::Text(text) => Key::text(text),
            Value::Array(_) | Value::Unset { .. } | Value::Dynamic(_) => return None,
        })
    }

    /// The value below `path`, whose steps are array keys.
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(self, |value, step| match value {
            Value::Array(array) => array.get(&Key::text(step.as_bytes())),
            _ => None,
        })
    }
}

/// An ordered PHP array.
#[derive(Clone, PartialEq, Default)]
pub struct Array {
    entries: Vec<(Key, Value)>,
    index: std::collections::HashMap<Key, usize>,
    next: i64,
}

impl Array {
    pub fn entries(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    pub fn get(&self, key: &Key) -> Option<&Value> {
        self.index.get(key).map(|at| &self.entries[*at].1)
    }

    /// The last one wins, at the place of the first.
    pub fn set(&mut self, key: Key, value: Value) {
        if let Key::Int(n) = key {
            self.next = self.next.max(n.saturating_add(1));
        }
        match self.index.get(&key) {
            Some(at) => self.entries[*at].1 = value,
            None => {
                self.index.insert(key.clone(), self.entries.len());
                self.entries.push((key, value));
            }
        }
    }

    pub fn push(&mut self, value: Value) {
        self.set(Key::Int(self.next), value);
    }

    /// PHP's `array_replace_recursive`: what is in `over` wins, arrays are merged.
    pub fn replace_recursive(&mut self, over: &Array) {
        for (key, value) in over.entries() {
            match (self.index.get(key), value) {
                (Some(at), Value::Array(new)) => match &mut self.entries[*at].1 {
                    Value::Array(old) => old.replace_recursive(new),
                    old => *old = value.clone(),
                },
                _ => self.set(key.clone(), value.clone()),
            }
        }
    }

    /// Sets the value at a path, making arrays on the way.
    pub fn set_path(&mut self, path: &[&str], value: Value) {
        let [first, rest @ ..] = path else { return };
        let key = Key::text(first.as_bytes());
        if rest.is_empty() {
            return self.set(key, value);
        }
        if !matches!(self.get(&key), Some(Value::Array(_))) {
            self.set(key.clone(), Value::Array(Array::default()));
        }
        if let Some(at) = self.index.get(&key)
            && let Value::Array(inner) = &mut self.entries[*at].1
        {
            inner.set_path(rest, value);
        }
    }

    /// Applies `change` to every value that is no array, at any depth.
    pub fn each_leaf(&mut self, change: &impl Fn(&mut Value)) {
        for (_, value) in &mut self.entries {
            match value {
                Value::Array(inner) => inner.each_leaf(change),
                leaf => change(leaf),
            }
        }
    }
}

impl std::fmt::Debug for Array {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.entries()).finish()
    }
}

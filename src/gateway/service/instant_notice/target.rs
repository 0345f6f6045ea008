//! Which of an account's devices are told (R1.12, R1.13).

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Targets {
    /// The device whose login is the latest.
    #[default]
    Last,
    /// All that are logged in.
    All,
    /// Those of these names that are logged in.
    List(Vec<String>),
}

impl Targets {
    /// The devices meant, of those that are logged in; given in the order of their logins.
    pub fn choose<'a>(&self, logged_in: &[&'a str]) -> Vec<&'a str> {
        match self {
            Self::Last => logged_in.last().copied().into_iter().collect(),
            Self::All => logged_in.to_vec(),
            Self::List(names) => {
                let is_meant = |device: &&str| names.iter().any(|name| name == device);
                logged_in.iter().copied().filter(is_meant).collect()
            }
        }
    }
}

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last => f.write_str("last"),
            Self::All => f.write_str("all"),
            Self::List(names) => write!(f, "list[{}]", names.join(",")),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Word(String),
    List(Vec<String>),
}

impl Serialize for Targets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = match self {
            Self::Last => Written::Word("last".to_owned()),
            Self::All => Written::Word("all".to_owned()),
            Self::List(names) => Written::List(names.clone()),
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Targets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Word(word) if word == "last" => Ok(Self::Last),
            Written::Word(word) if word == "all" => Ok(Self::All),
            Written::Word(_) => Err(serde::de::Error::custom(
                "targets are \"last\", \"all\" or a list of devices",
            )),
            Written::List(names) => Ok(Self::List(names)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r1_12_r1_13_last_all_or_a_list_of_those_logged_in() {
        let devices = ["T1", "T2"];
        assert_eq!(Targets::Last.choose(&devices), ["T2"]);
        assert_eq!(Targets::All.choose(&devices), ["T1", "T2"]);
        let list = Targets::List(vec!["T1".to_owned(), "T9".to_owned()]);
        assert_eq!(list.choose(&devices), ["T1"]);
        assert!(Targets::Last.choose(&[]).is_empty());
    }
}

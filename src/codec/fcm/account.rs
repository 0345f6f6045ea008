//! A service account: who a sender is, with its key, as the file that is handed out for it says.
//!
//! **Source:** the JSON file that Google's console writes for a service account: `type`, `project_id`, `private_key_id`,
//! `private_key`, `client_email`, `token_uri`.

use serde_json::json;

use crate::codec::json_text::JsonText;
use crate::codec::jwt::Algorithm;
use crate::codec::jwt::key::{Key, KeyFault};
use crate::limits;

const NAME: &str = "service-account";
const KIND: &str = "service_account";

/// A service account.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    /// The project whose messages it may send.
    pub project: String,
    /// Its address, which is its name.
    pub email: String,
    /// Where it gets access tokens.
    pub token_uri: String,
    /// Its key's identifier.
    pub key_id: String,
    /// Its key.
    pub key: Key,
}

/// Why a text is no service account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountFault {
    /// No JSON object.
    #[error("it is no JSON object")]
    NotJson,
    /// A member is missing, or no text.
    #[error("{0} is missing, or no text")]
    Missing(&'static str),
    /// It is something else.
    #[error("its type is not service_account")]
    OtherType,
    /// Its key is none.
    #[error("private_key: {0}")]
    Key(#[from] KeyFault),
    /// Its key signs otherwise.
    #[error("private_key: an RSA key is expected")]
    OtherKey,
}

impl ServiceAccount {
    /// The account of a file's text.
    ///
    /// # Errors
    /// What is missing in it.
    pub fn of_text(text: &str) -> Result<Self, AccountFault> {
        let file = JsonText::of(text.as_bytes(), NAME, limits::SERVICE_ACCOUNT_OCTETS);
        let file = file.map_err(|_| AccountFault::NotJson)?;
        let member = |name: &'static str| {
            let text = file.text(name).ok().flatten();
            text.map(str::to_owned).ok_or(AccountFault::Missing(name))
        };
        if member("type")? != KIND {
            return Err(AccountFault::OtherType);
        }
        let key = Key::of_pem(&member("private_key")?)?;
        if key.algorithm() != Algorithm::Rs256 {
            return Err(AccountFault::OtherKey);
        }
        Ok(Self {
            project: member("project_id")?,
            email: member("client_email")?,
            token_uri: member("token_uri")?,
            key_id: member("private_key_id")?,
            key,
        })
    }

    /// The text of its file.
    ///
    /// # Errors
    /// Its key cannot be written.
    pub fn text(&self) -> Result<String, KeyFault> {
        let file = json!({
            "type": KIND, "project_id": self.project, "private_key_id": self.key_id,
            "private_key": self.key.pem()?, "client_email": self.email, "token_uri": self.token_uri,
        });
        Ok(format!("{file:#}\n"))
    }
}

#[cfg(test)]
pub(in crate::codec) mod tests {
    use super::*;
    use crate::codec::jwt::key::tests::{es256, rs256};

    pub(in crate::codec) fn account() -> ServiceAccount {
        ServiceAccount {
            project: "lab".to_owned(),
            email: "push@lab.example".to_owned(),
            token_uri: "http://127.0.0.1:8090/token".to_owned(),
            key_id: "k1".to_owned(),
            key: rs256(),
        }
    }

    #[test]
    fn a_file_says_who_the_sender_is() {
        let text = account().text().unwrap();
        let read = ServiceAccount::of_text(&text).unwrap();
        assert_eq!(read.text().unwrap(), text);
        assert_eq!(read.email, "push@lab.example");
        assert!(!format!("{read:?}").contains("BEGIN"), "no key in a log");
    }

    #[test]
    fn a_file_that_is_none_says_what_is_missing() {
        let fault = |text: &str| ServiceAccount::of_text(text).err();
        assert_eq!(fault("{"), Some(AccountFault::NotJson));
        assert_eq!(fault("{}"), Some(AccountFault::Missing("type")));
        let user = r#"{"type":"authorized_user"}"#;
        assert_eq!(fault(user), Some(AccountFault::OtherType));
        let other = ServiceAccount {
            key: es256(),
            ..account()
        };
        assert_eq!(fault(&other.text().unwrap()), Some(AccountFault::OtherKey));
    }
}

//! What information, catalogues and imports take and refuse.

use serde_json::{Value, json};

use super::*;
use crate::codec::Class;
use crate::codec::download_descriptor::Descriptor;

fn read(value: &Value) -> Information {
    Information::of_value(value).unwrap()
}

fn refused(value: &Value) -> (Class, &'static str) {
    let fault = Information::of_value(value).unwrap_err();
    (fault.class, fault.expected)
}

fn market() -> Information {
    read(&json!({
        "id": "org.example.market", "name": "Market", "version": "1.2", "environment": "Android 5",
        "icon": "http://127.0.0.1:9000/market.png",
        "formats": [
            {"format": "apk", "address": "http://127.0.0.1:9000/market.apk", "size": 5, "sha256": "ab".repeat(32)},
            {"format": "ipa", "address": "http://127.0.0.1:9000/market.ipa"},
        ],
    }))
}

#[test]
fn r3_29_information_without_an_application_is_refused() {
    let fault = Information::of_value(&json!({"name": "Market"})).unwrap_err();
    assert_eq!(
        (fault.class, fault.expected),
        (Class::MissingHeader, "an id")
    );
}

#[test]
fn r3_30_an_address_is_a_url() {
    let information = read(&json!({"id": "a", "address": "https://dl.example.com/a.apk?v=1"}));
    let address = information.address.unwrap();
    assert_eq!(address.url(), Some("https://dl.example.com/a.apk?v=1"));
    assert_eq!(address.ending().as_deref(), Some("apk"));
    for bad in [
        "ftp://a/b",
        "http://",
        "http://u:p@h/",
        "http://h/ b",
        "http://h/#f",
        "http:h",
        "file:///etc/passwd",
        "http://:80/",
    ] {
        assert!(Address::decode(bad).is_none(), "{bad}");
    }
}

#[test]
fn r3_31_an_address_may_be_one_of_the_store() {
    let text = format!("store:sha256:{}", "0f".repeat(32));
    let information = read(&json!({"id": "a", "address": text}));
    assert_eq!(
        information.address,
        Some(Address::Store(Digest([0x0f; 32])))
    );
    assert_eq!(information.address.unwrap().to_string(), text);
    for bad in ["store:sha256:00", "store:md5:00", "store:sha256:../../etc"] {
        assert!(Address::decode(bad).is_none(), "{bad}");
    }
}

#[test]
fn r3_32_formats_stand_in_the_information() {
    let information = read(&json!({"id": "a", "formats": ["apk"]}));
    assert_eq!(information.format_names(&FormatTable::default()), ["apk"]);
    assert_eq!(
        refused(&json!({"id": "a", "formats": ["a", "a"]})).0,
        Class::Repeated
    );
    assert_eq!(
        refused(&json!({"id": "a", "formats": ["A/B"]})).0,
        Class::BadValue
    );
    let many: Vec<String> = (0..33).map(|n| format!("f{n}")).collect();
    assert_eq!(
        refused(&json!({"id": "a", "formats": many})).0,
        Class::BadValue
    );
}

#[test]
fn r3_33_icon_name_size_environment_and_version_survive() {
    let value = json!({
        "id": "a", "icon": "http://h/i.png", "name": "Λ", "size": 20_000_000, "environment": "Android 5",
        "version": "1.0", "later": {"kept": true},
    });
    assert_eq!(read(&value).to_value(), value);
}

#[test]
fn r3_34_and_r3_35_an_application_has_a_code_or_a_serial_number() {
    for good in ["org.example.market", "sn:10086", "7zip", "a_b-c"] {
        assert!(AppId::decode(good).is_some(), "{good}");
    }
    for bad in [
        "",
        "sn:",
        "sn:12a",
        ".a",
        "a b",
        "a/b",
        "../x",
        &"a".repeat(129),
    ] {
        assert!(AppId::decode(bad).is_none(), "{bad}");
    }
}

#[test]
fn r3_36_to_r3_40_formats_tell_which_terminals_take_them() {
    let table = FormatTable::default();
    for (format, platform) in [
        ("ipa", "ios"),
        ("pxl", "ios"),
        ("deb", "ios"),
        ("apk", "android"),
        ("sis", "s60"),
        ("sisx", "s60"),
        ("xap", "windows"),
    ] {
        let found: Vec<&str> = table.platforms(format).collect();
        assert_eq!(found, [platform], "{format}");
    }
    assert!(table.takes("android", &["ipa".to_owned(), "apk".to_owned()]));
    assert!(!table.takes("ios", &["apk".to_owned()]));
}

#[test]
fn r3_41_a_configuration_adds_rows() {
    let mut table = FormatTable::default();
    assert!(table.add("debian", "deb"));
    let found: Vec<&str> = table.platforms("deb").collect();
    assert_eq!(found, ["debian", "ios"]);
    assert!(!table.add("Debian", "deb") && !table.add("debian", "../x") && !table.add("", "deb"));
    let added = (0..300)
        .filter(|n| table.add("p", &format!("f{n}")))
        .count();
    assert!(added < 256, "{added}");
}

#[test]
fn r3_42_three_shapes_are_taken() {
    let table = FormatTable::default();
    let bare = read(&json!({"id": "a"}));
    assert!(bare.format_names(&table).is_empty());
    let addressed = read(&json!({"id": "a", "address": "http://h/a.apk"}));
    assert_eq!(addressed.format_names(&table), ["apk"]);
    assert_eq!(market().format_names(&table), ["apk", "ipa"]);
    assert_eq!(
        market()
            .package("ipa")
            .unwrap()
            .address
            .unwrap()
            .to_string(),
        "http://127.0.0.1:9000/market.ipa"
    );
}

#[test]
fn r3_93_and_r3_107_the_catalogue_finds_packages_by_platform_and_by_address() {
    let mut catalogue = Catalogue::default();
    catalogue.add(vec![market()]).unwrap();
    let table = FormatTable::default();
    let id = AppId::decode("org.example.market").unwrap();
    let found = catalogue.package_for(&table, &id, "android").unwrap();
    assert_eq!(found.package.format, "apk");
    let address = Address::decode("http://127.0.0.1:9000/market.ipa").unwrap();
    assert_eq!(catalogue.at(&address).unwrap().package.format, "ipa");
    assert!(catalogue.package_for(&table, &id, "s60").is_none());
    // The same application from another source: formats join.
    let more = read(
        &json!({"id": "org.example.market", "formats": [{"format": "sis", "address": "http://h/m.sis"}]}),
    );
    catalogue.add(vec![more]).unwrap();
    assert!(catalogue.package_for(&table, &id, "s60").is_some());
    assert!(catalogue.package_for(&table, &id, "ios").is_some());
    assert_eq!(catalogue.len(), 1);
}

#[test]
fn a_poisoned_list_leaves_the_catalogue_as_it_was() {
    let mut catalogue = Catalogue::default();
    let list = [json!({"id": "a"}), json!({"id": "../b"})];
    let fault = catalogue.add_values(&list).unwrap_err();
    assert!(
        fault
            .to_string()
            .starts_with("application 2: expected an id"),
        "{fault}"
    );
    assert!(catalogue.is_empty());
}

#[test]
fn a_descriptor_carries_the_information_there_and_back() {
    let package = market().package("apk").unwrap();
    let carried_there = Carried {
        information: market().relocated(package.clone()),
        mode: Some(Mode::First),
        job: Some("j1".to_owned()),
        report: Some("http://gw/api/v1/installs/j1/report".to_owned()),
        object: package.address.as_ref().unwrap().to_string(),
    };
    let octets = described(&carried_there).encode();
    let back = carried(&Descriptor::decode(&octets).unwrap()).unwrap();
    assert_eq!(back.mode, Some(Mode::First));
    assert_eq!(back.information.id, carried_there.information.id);
    assert_eq!(back.information.formats, vec![package]);
    assert_eq!(back.information.version.as_deref(), Some("1.2"));
    assert_eq!(back.report, carried_there.report);
    let foreign = Descriptor::decode(b"<media xmlns=\"http://www.openmobilealliance.org/xmlns/dd\"><type>a/b</type><size>1</size><objectURI>u</objectURI></media>").unwrap();
    assert_eq!(
        carried(&foreign).unwrap_err().to_string(),
        "the descriptor has no application of a known kind"
    );
}

#[test]
fn an_index_of_f_droid_becomes_applications() {
    let index = json!({
        "repo": {"address": "https://repo.example.org/fdroid/repo", "name": {"en-US": "R"}},
        "packages": {
            "org.example.market": {
                "metadata": {"name": {"de": "Markt", "en-US": "Market"}, "icon": {"en-US": {"name": "/m/icon.png"}}},
                "versions": {
                    "x": {"added": 1, "file": {"name": "/market_1.apk", "sha256": "11".repeat(32), "size": 1}, "manifest": {"versionName": "1", "versionCode": 1}},
                    "y": {"added": 2, "file": {"name": "/market_2.apk", "sha256": "22".repeat(32), "size": 2}, "manifest": {"versionName": "2", "versionCode": 2, "usesSdk": {"minSdkVersion": 21}}},
                },
            },
            "org.example.unbuilt": {"metadata": {}},
        },
    });
    let found = of_fdroid(index.to_string().as_bytes()).unwrap();
    assert_eq!(found.len(), 1);
    let market = &found[0];
    assert_eq!(
        (market.name.as_deref(), market.version.as_deref()),
        (Some("Market"), Some("2"))
    );
    let package = market.package("apk").unwrap();
    assert_eq!(
        package.address.unwrap().to_string(),
        "https://repo.example.org/fdroid/repo/market_2.apk"
    );
    assert_eq!(package.sha256, Some(Digest([0x22; 32])));
    for (from, to) in [
        ("/market_2.apk", "/../market_2.apk"),
        ("/market_2.apk", "@evil.example/m.apk"),
        ("2222222222", "zz22222222"),
        ("org.example.market", "../market"),
    ] {
        let poisoned = index.to_string().replace(from, to);
        assert!(of_fdroid(poisoned.as_bytes()).is_err(), "{to}");
    }
}

#[test]
fn a_manifest_of_apple_becomes_an_application() {
    let manifest = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\"><dict><key>items</key><array><dict><key>assets</key><array><dict><key>kind</key><string>software-package</string><key>url</key><string>https://dl.example.com/market.ipa</string></dict></array><key>metadata</key><dict><key>bundle-identifier</key><string>org.example.market</string><key>bundle-version</key><string>1.2</string><key>kind</key><string>software</string><key>title</key><string>Market</string></dict></dict></array></dict></plist>";
    let found = of_apple(manifest.as_bytes()).unwrap();
    assert_eq!(found[0].id.as_str(), "org.example.market");
    assert_eq!(
        found[0]
            .package("ipa")
            .unwrap()
            .address
            .unwrap()
            .to_string(),
        "https://dl.example.com/market.ipa"
    );
    let entity = manifest.replace(
        "\">\n<plist",
        "\" [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\n<plist",
    );
    assert!(of_apple(entity.as_bytes()).is_err());
    for (from, to) in [
        ("software-package", "other"),
        ("bundle-identifier", "other"),
        ("https://dl", "file://dl"),
        ("</plist>", ""),
    ] {
        assert!(
            of_apple(manifest.replace(from, to).as_bytes()).is_err(),
            "{to}"
        );
    }
}

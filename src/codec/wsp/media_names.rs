//! Media types by their assigned number.
//!
//! **Source:** WINA and OMNA registries of WSP content types, as WAP-230 table 40 refers to them. The registries are not
//! in print any more: a test compares 92 of them with the dissector of Wireshark; 4E to 54, 0302 to 0308 and 030A to 031B,
//! which it lacks, were compared with the decoder of WAP push in Android.

/// The name of a media type.
#[must_use]
pub fn media_name(number: u32) -> Option<&'static str> {
    let at = MEDIA
        .binary_search_by_key(&number, |(own, _)| u32::from(*own))
        .ok()?;
    MEDIA.get(at).map(|(_, name)| *name)
}

/// The number of a media type without its parameters.
#[must_use]
pub fn media_number(name: &str) -> Option<u32> {
    MEDIA
        .iter()
        .find(|(_, own)| own.eq_ignore_ascii_case(name))
        .map(|(number, _)| u32::from(*number))
}

/// Ordered by number.
const MEDIA: &[(u16, &str)] = &[
    (0x00, "*/*"),
    (0x01, "text/*"),
    (0x02, "text/html"),
    (0x03, "text/plain"),
    (0x04, "text/x-hdml"),
    (0x05, "text/x-ttml"),
    (0x06, "text/x-vCalendar"),
    (0x07, "text/x-vCard"),
    (0x08, "text/vnd.wap.wml"),
    (0x09, "text/vnd.wap.wmlscript"),
    (0x0A, "text/vnd.wap.channel"),
    (0x0B, "multipart/*"),
    (0x0C, "multipart/mixed"),
    (0x0D, "multipart/form-data"),
    (0x0E, "multipart/byteranges"),
    (0x0F, "multipart/alternative"),
    (0x10, "application/*"),
    (0x11, "application/java-vm"),
    (0x12, "application/x-www-form-urlencoded"),
    (0x13, "application/x-hdmlc"),
    (0x14, "application/vnd.wap.wmlc"),
    (0x15, "application/vnd.wap.wmlscriptc"),
    (0x16, "application/vnd.wap.channelc"),
    (0x17, "application/vnd.wap.uaprof"),
    (0x18, "application/vnd.wap.wtls-ca-certificate"),
    (0x19, "application/vnd.wap.wtls-user-certificate"),
    (0x1A, "application/x-x509-ca-cert"),
    (0x1B, "application/x-x509-user-cert"),
    (0x1C, "image/*"),
    (0x1D, "image/gif"),
    (0x1E, "image/jpeg"),
    (0x1F, "image/tiff"),
    (0x20, "image/png"),
    (0x21, "image/vnd.wap.wbmp"),
    (0x22, "application/vnd.wap.multipart.*"),
    (0x23, "application/vnd.wap.multipart.mixed"),
    (0x24, "application/vnd.wap.multipart.form-data"),
    (0x25, "application/vnd.wap.multipart.byteranges"),
    (0x26, "application/vnd.wap.multipart.alternative"),
    (0x27, "application/xml"),
    (0x28, "text/xml"),
    (0x29, "application/vnd.wap.wbxml"),
    (0x2A, "application/x-x968-cross-cert"),
    (0x2B, "application/x-x968-ca-cert"),
    (0x2C, "application/x-x968-user-cert"),
    (0x2D, "text/vnd.wap.si"),
    (0x2E, "application/vnd.wap.sic"),
    (0x2F, "text/vnd.wap.sl"),
    (0x30, "application/vnd.wap.slc"),
    (0x31, "text/vnd.wap.co"),
    (0x32, "application/vnd.wap.coc"),
    (0x33, "application/vnd.wap.multipart.related"),
    (0x34, "application/vnd.wap.sia"),
    (0x35, "text/vnd.wap.connectivity-xml"),
    (0x36, "application/vnd.wap.connectivity-wbxml"),
    (0x37, "application/pkcs7-mime"),
    (0x38, "application/vnd.wap.hashed-certificate"),
    (0x39, "application/vnd.wap.signed-certificate"),
    (0x3A, "application/vnd.wap.cert-response"),
    (0x3B, "application/xhtml+xml"),
    (0x3C, "application/wml+xml"),
    (0x3D, "text/css"),
    (0x3E, "application/vnd.wap.mms-message"),
    (0x3F, "application/vnd.wap.rollover-certificate"),
    (0x40, "application/vnd.wap.locc+wbxml"),
    (0x41, "application/vnd.wap.loc+xml"),
    (0x42, "application/vnd.syncml.dm+wbxml"),
    (0x43, "application/vnd.syncml.dm+xml"),
    (0x44, "application/vnd.syncml.notification"),
    (0x45, "application/vnd.wap.xhtml+xml"),
    (0x46, "application/vnd.wv.csp.cir"),
    (0x47, "application/vnd.oma.dd+xml"),
    (0x48, "application/vnd.oma.drm.message"),
    (0x49, "application/vnd.oma.drm.content"),
    (0x4A, "application/vnd.oma.drm.rights+xml"),
    (0x4B, "application/vnd.oma.drm.rights+wbxml"),
    (0x4C, "application/vnd.wv.csp+xml"),
    (0x4D, "application/vnd.wv.csp+wbxml"),
    (0x4E, "application/vnd.syncml.ds.notification"),
    (0x4F, "audio/*"),
    (0x50, "video/*"),
    (0x51, "application/vnd.oma.dd2+xml"),
    (0x52, "application/mikey"),
    (0x53, "application/vnd.oma.dcd"),
    (0x54, "application/vnd.oma.dcdc"),
    (0x5A, "application/octet-stream"),
    (0x201, "application/vnd.uplanet.cacheop-wbxml"),
    (0x202, "application/vnd.uplanet.signal"),
    (0x203, "application/vnd.uplanet.alert-wbxml"),
    (0x204, "application/vnd.uplanet.list-wbxml"),
    (0x205, "application/vnd.uplanet.listcmd-wbxml"),
    (0x206, "application/vnd.uplanet.channel-wbxml"),
    (0x207, "application/vnd.uplanet.provisioning-status-uri"),
    (0x208, "x-wap.multipart/vnd.uplanet.header-set"),
    (0x209, "application/vnd.uplanet.bearer-choice-wbxml"),
    (0x20A, "application/vnd.phonecom.mmc-wbxml"),
    (0x20B, "application/vnd.nokia.syncset+wbxml"),
    (0x20C, "image/x-up-wpng"),
    (0x300, "application/iota.mmc-wbxml"),
    (0x301, "application/iota.mmc-xml"),
    (0x302, "application/vnd.syncml+xml"),
    (0x303, "application/vnd.syncml+wbxml"),
    (0x304, "text/vnd.wap.emn+xml"),
    (0x305, "text/calendar"),
    (0x306, "application/vnd.omads-email+xml"),
    (0x307, "application/vnd.omads-file+xml"),
    (0x308, "application/vnd.omads-folder+xml"),
    (0x30A, "application/vnd.wap.emn+wbxml"),
    (0x30B, "application/vnd.nokia.ipdc-purchase-response"),
    (0x30C, "application/vnd.motorola.screen3+xml"),
    (0x30D, "application/vnd.motorola.screen3+gzip"),
    (0x30E, "application/vnd.cmcc.setting+wbxml"),
    (0x30F, "application/vnd.cmcc.bombing+wbxml"),
    (0x310, "application/vnd.docomo.pf"),
    (0x311, "application/vnd.docomo.ub"),
    (0x312, "application/vnd.omaloc-supl-init"),
    (0x313, "application/vnd.oma.group-usage-list+xml"),
    (0x314, "application/oma-directory+xml"),
    (0x315, "application/vnd.docomo.pf2"),
    (0x316, "application/vnd.oma.drm.roap-trigger+wbxml"),
    (0x317, "application/vnd.sbm.mid2"),
    (0x318, "application/vnd.wmf.bootstrap"),
    (0x319, "application/vnc.cmcc.dcd+xml"),
    (0x31A, "application/vnd.sbm.cid"),
    (0x31B, "application/vnd.oma.bcast.provisioningtrigger"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_ordered_and_found_both_ways() {
        assert!(MEDIA.is_sorted_by(|left, right| left.0 < right.0));
        for (number, name) in MEDIA {
            assert_eq!(media_name(u32::from(*number)), Some(*name));
            assert_eq!(media_number(name), Some(u32::from(*number)));
        }
        assert_eq!(media_name(0x34), Some("application/vnd.wap.sia"));
        assert_eq!(media_number("Application/vnd.wap.emn+wbxml"), Some(0x30A));
        assert_eq!(media_name(0x7F), None);
    }
}
